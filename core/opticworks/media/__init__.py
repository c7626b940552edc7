"""Pictures: checked, kept once however often they are added, and made into the widths of pages."""
