Rails.application.routes.draw do
  resources :messages, only: %i[index create]
  get "/", to: ->(_) { [404, {}, ["nothing here"]] }
end
