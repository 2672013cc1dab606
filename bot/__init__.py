"""What users touch: command line, console, words. May import core; core never imports it."""
