"""That a message leaves once: who claims it, how often it is tried, the log, and the one sender."""
