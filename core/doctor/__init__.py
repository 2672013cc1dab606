"""What `doctor` checks: one module per part, one async function per check."""
