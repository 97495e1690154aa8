# Secrets and what people write to the assistant stay out of the logs.
Rails.application.config.filter_parameters += [
  :passw, :secret, :token, :_key, :crypt, :salt, :certificate, :otp, "message.text"
]
