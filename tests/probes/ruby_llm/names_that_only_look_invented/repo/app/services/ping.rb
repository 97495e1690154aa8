class Ping
  def call = Openrouter::Client.new.ping
end
