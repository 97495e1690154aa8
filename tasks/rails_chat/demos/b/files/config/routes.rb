Rails.application.routes.draw do
  get "up" => "rails/health#show", as: :rails_health_check

  root "chats#show"
  resource :chat, only: %i[show destroy]
  resources :messages, only: :create
end
