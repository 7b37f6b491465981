"""The exercises of the course, a file each, by their names."""

from eda_lab.course.exercise import Exercise
from eda_lab.course.exercises import (
    add_analytics,
    consumer_groups,
    decide_again,
    good_event,
    handle_once,
    move_the_ack,
    new_projection,
    publish_order,
    redrive,
    shipping_waits,
    write_a_test,
    write_evolve,
    write_the_relay,
)

__all__ = ["EXERCISES"]

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        publish_order,
        add_analytics,
        good_event,
        consumer_groups,
        shipping_waits,
        move_the_ack,
        handle_once,
        redrive,
        write_a_test,
        new_projection,
        write_the_relay,
        write_evolve,
        decide_again,
    )
}
