"""The pages of the chat."""

from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("", views.index, name="index"),
    path("begin/", views.begin, name="begin"),
    path("<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("<uuid:conversation_id>/say/", views.say, name="say"),
    path("<uuid:conversation_id>/stop/", views.stop, name="stop"),
    path("<uuid:conversation_id>/fields/", views.fields, name="fields"),
    path("<uuid:conversation_id>/settings/", views.settings, name="settings"),
    path("<uuid:conversation_id>/place/", views.place, name="place"),
    path("<uuid:conversation_id>/call/", views.call, name="call"),
    path("<uuid:conversation_id>/keep/", views.keep, name="keep"),
    path("<uuid:conversation_id>/again/", views.again, name="again"),
    path("<uuid:conversation_id>/delete/", views.delete, name="delete"),
]
