"""The long campaign (``make soak``): faults at random moments of a rollout, rollouts and take-overs under a stream of requests."""
