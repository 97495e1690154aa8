Rails.application.routes.draw do
  get "/", to: "chats#show", as: :root
end
