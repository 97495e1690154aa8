Rails.application.configure do
  config.cache_store = :redis_cache_store
end
