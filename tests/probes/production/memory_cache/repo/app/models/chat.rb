class Chat
  def initialize(cache: Rails.cache) = @cache = cache
end
