Rails.application.configure do
  config.cache_store = :memory_store, { size: 64.megabytes }
end
