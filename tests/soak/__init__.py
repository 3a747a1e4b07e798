"""The long campaign (``make soak``): faults at random moments of a rollout, and rollouts under a stream of requests."""
