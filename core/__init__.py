"""Link → transcript → summary → index → answer. Knows no platform; see README.md here."""
