from django.apps import AppConfig


class PauseConfig(AppConfig):
    name = "pause"
