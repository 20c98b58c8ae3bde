"""Ask permitted URLs over the network, politely and safely, and keep what the wire said."""
