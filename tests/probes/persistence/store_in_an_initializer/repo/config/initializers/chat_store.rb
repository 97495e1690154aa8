CHAT_STORE = ActiveSupport::Cache::MemoryStore.new(expires_in: 1.hour)
