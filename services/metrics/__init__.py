"""The service `metrics`: traffic of the customers' lines, as bandwidth, volume and percentile."""
