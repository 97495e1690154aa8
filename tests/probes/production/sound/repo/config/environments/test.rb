Rails.application.configure do
  config.action_controller.allow_forgery_protection = false
  config.cache_store = :null_store
end
