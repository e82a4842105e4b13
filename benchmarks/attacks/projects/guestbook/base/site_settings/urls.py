from django.urls import path

from entries import views

urlpatterns = [
    path("entries/", views.entries),
    path("search/", views.search),
]
