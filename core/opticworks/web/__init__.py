"""What every page needs: transactions, templates, assets, safety headers, sessions, errors."""
