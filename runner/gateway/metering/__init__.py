"""What calls cost: the ledger, prices, and the check of one against another."""
