"""What `doctor` looks at: a module for each part of the house, an async function for each thing.

A check takes the settings and returns a Check, or None where nothing can be said. It may raise: a
CoreError, or anything else; core/doctor/run_checks.py makes that a failed check.
"""
