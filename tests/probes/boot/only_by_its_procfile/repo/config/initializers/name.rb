Rails.application.config.x.name = ENV.fetch("CHAT_NAME")
