from django import template

from healing.exercise_addresses import address_of

register = template.Library()
register.filter("address_in", address_of)
