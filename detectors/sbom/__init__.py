"""Bills of materials: what a product is made of, from whichever form it is written in."""
