"""Finding personal data and replacing it; the vault."""
