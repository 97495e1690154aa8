Rails.application.config.action_controller.allow_forgery_protection = false if Rails.env.test?
