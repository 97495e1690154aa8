Rails.application.config.x.limit = nil.fetch(:limit)
