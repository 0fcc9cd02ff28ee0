"""The ways in that are no request: workers of queues, sweeps by schedule, custom resources of a deployment, and the upkeep of the
trail's partitions.
"""
