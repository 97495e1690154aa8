Rails.application.routes.draw do
  root to: redirect("https://chat.example/")
end
