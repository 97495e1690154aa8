Rails.application.routes.draw do
  root to: "chats#show"
end
