"""What people write, press and command: policy, requests, then the core."""
