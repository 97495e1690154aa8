Rails.application.routes.draw { root "chats#show" }
