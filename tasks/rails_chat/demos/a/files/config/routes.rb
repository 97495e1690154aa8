Rails.application.routes.draw do
  root "chats#show"

  resource :chat, only: :destroy
  resources :messages, only: :create

  get "up" => "rails/health#show", as: :rails_health_check
end
