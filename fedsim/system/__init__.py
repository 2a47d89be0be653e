"""What exists: devices, links, the network, energy and failures."""
