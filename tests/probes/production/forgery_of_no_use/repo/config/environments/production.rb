Rails.application.configure do
  config.cache_store = ENV["REDIS_URL"] ? [:redis_cache_store] : :memory_store
end
