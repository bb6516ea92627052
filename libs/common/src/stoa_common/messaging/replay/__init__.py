"""Events of the past once more to one consumer group: replay, rebuild, and resets of its offsets."""
