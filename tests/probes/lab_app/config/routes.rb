Rails.application.routes.draw do
  root "messages#index"
  get "turbo.js", to: Rack::Files.new("/opt/npm/node_modules/@hotwired/turbo/dist").then { |files|
    ->(env) { files.call(env.merge("PATH_INFO" => "/turbo.es2017-esm.js")) }
  }
  resources :messages, only: :create
end
