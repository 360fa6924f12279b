"""Where frames come from: cameras, recordings, simulated rigs, and the thread that reads them."""
