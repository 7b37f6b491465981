"""The exercises of the course, a file each, by their names."""

from eda_lab.course.exercise import Exercise
from eda_lab.course.exercises import add_analytics, consumer_groups, good_event, publish_order, shipping_waits

__all__ = ["EXERCISES"]

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (publish_order, add_analytics, good_event, consumer_groups, shipping_waits)
}
