"""Numbers for an operator, as Prometheus reads them: counted at the ports, the log and the jobs."""
