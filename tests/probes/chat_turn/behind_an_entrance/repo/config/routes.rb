Rails.application.routes.draw do
  root to: ->(_) { [200, { "content-type" => "text/html" }, ['<h1>Hi</h1><a href="/talk">Start a conversation</a>']] }
  get "turbo.js", to: Rack::Files.new("/opt/npm/node_modules/@hotwired/turbo/dist").then { |files|
    ->(env) { files.call(env.merge("PATH_INFO" => "/turbo.es2017-esm.js")) }
  }
  get "talk", to: "messages#index"
  resources :messages, only: :create
end
