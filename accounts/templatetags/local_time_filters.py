from django import template

from accounts import local_times

register = template.Library()

register.filter("time_of_day", local_times.time_of_day)
register.filter("day_and_time", local_times.day_and_time)
register.filter("exact_moment", local_times.exact_moment)
