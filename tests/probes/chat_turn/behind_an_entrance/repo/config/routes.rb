Rails.application.routes.draw do
  root to: ->(_) { [200, { "content-type" => "text/html" }, ['<h1>Hi</h1><a href="/talk">Start a conversation</a>']] }
  get "talk", to: "messages#index"
  resources :messages, only: :create
end
