"""Documents: invoices with numbers without a gap, packing slips, many labels in one file."""
