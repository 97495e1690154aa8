Rails.application.routes.draw do
  root "chat#index"
  post "chat" => "chat#create"
end
