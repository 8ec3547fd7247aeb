"""Contract suites: what every engine of a kind must do, as test classes to inherit."""
