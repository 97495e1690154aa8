Rails.application.routes.draw do
  get "/chat", to: "chats#show"
end
