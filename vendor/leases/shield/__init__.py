"""What stands in front of vending: identical asks share one lease, and nobody asks for more than their part."""
