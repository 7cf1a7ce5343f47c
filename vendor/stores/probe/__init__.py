"""Find out what a store really does, by trying it with keys that it really issued.

`runner.probe` tries everything and reports; `quick.quick_check` tries what the gateway cannot do without, in a handful
of calls; `watch.Watch` decides from it whether leases are given, at start and from time to time.

A denial proves little on its own: a store that is broken denies everything.  So whatever must be denied is tried with
keys that work, on objects that exist, and the same keys are tried on what they are for right after.
"""
